"""Pictures from strangers, decoded in a process that can reach nothing; `decode.decode_image` is the door."""
