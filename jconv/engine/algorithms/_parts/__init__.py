"""What several algorithms share: slices, products, patches and windows."""
