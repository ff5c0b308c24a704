"""The learned half: tokens, a decoder-only transformer, its training and sampling. The only room that imports torch."""
