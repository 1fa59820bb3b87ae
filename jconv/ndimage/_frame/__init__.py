"""What every image filter shares: its input, its borders, its output."""
