"""Order statistics of sliding windows, for signals and images alike."""
