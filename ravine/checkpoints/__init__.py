"""What survives: verified checkpoints, weights files, and the folder of a run.

store.py          save and load_newest: the state to resume from
weights_file.py   write, read, read_about: one file, enough to predict
run_folder.py     RunFolder and find: the layout, and which folder a command means

Nothing is imported here: a command that only reads a run folder does not wait for torch.
"""
