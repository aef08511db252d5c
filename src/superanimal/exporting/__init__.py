"""How a model leaves: ONNX files and shuffles of DeepLabCut projects."""
