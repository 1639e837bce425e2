"""How bytes are stored, whatever they say: packed, as JSON, as protocol buffers, in blocks, in databases."""
