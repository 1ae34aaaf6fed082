"""The tools that are measured side by side, each as its own documentation has it."""
