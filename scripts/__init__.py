"""Write the generated pages and pictures of docs/. Run each as a module: `python -m scripts.cost`."""
