"""Frames for people: what a multi-frame instance holds in words, and a frame as a picture."""
