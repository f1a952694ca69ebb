"""Make the networks: labelled pictures, augmentation, targets, fitting and export."""
