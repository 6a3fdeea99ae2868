"""Google's APIs: whom we ask, and what they answer."""
