"""The domain: what is ingested, when, and on which night it changes. No cdktf, no Google, no click."""
