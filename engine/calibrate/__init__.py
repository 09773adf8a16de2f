"""From history to curves: what each channel's spend did, with joint draws and a verdict on the fit."""
