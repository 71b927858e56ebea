"""Reports: one self-contained page per study, from the files that the study kept."""
