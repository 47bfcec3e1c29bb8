"""Predict how listeners would rate text-to-music clips."""
