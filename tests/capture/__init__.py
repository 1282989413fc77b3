"""What is kept for operators."""
