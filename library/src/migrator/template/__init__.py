"""The template that a project was made from: which commit of it, and how to get a newer one."""
