"""What must not happen, whatever somebody sends."""
