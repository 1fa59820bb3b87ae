"""What every room shares: argument checks and their wording, boundary rules. A leaf: it imports no other room."""
