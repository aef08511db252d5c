"""Exporting models: ONNX files and shuffles of DeepLabCut projects."""
