"""What all subpackages share: argument checks and their wording, boundary rules. It imports no other subpackage."""
