"""Zero-shot evaluation: predictions in XTREME's layout, outcomes per item, scores in 0..100."""
