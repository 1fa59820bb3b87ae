"""What every room shares: argument checks and their wording, boundary rules, dtypes. A leaf: it imports no other room."""
