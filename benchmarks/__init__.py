"""Speed of jconv and of its peers. `python -m benchmarks --help` lists the sections.

| file | what it times or holds |
|---|---|
| `__main__` | the tables of docs/benchmarks.md: layers, training steps, filters, signals, compile times |
| `quick`, `against` | a subset in five minutes; the same subset in two checkouts |
| `signal`, `ndimage`, `continuous` | the subpackages of these names, compared with SciPy, OpenCV and quadax |
| `gpu` | the layers on a GPU, compared with cuDNN |
| `model_steps` | training steps of jconv's own models, compared with Flax's layers and PyTorch |
| `task_results` | what every task reaches with its defaults and three seeds |
| `fit` | the constants of the planner's cost model, fitted to measured times |
| `layers`, `single`, `layer_calls` | the cases: layers, filters and signals, and how they are called |
| `contenders` | one layer by jconv, lax and PyTorch |
| `networks_flax`, `networks_torch` | small networks of the section "training", in Flax and in PyTorch |
| `twins_of_models`, `twins_of_task_models` | the models of `jconv.nn` in PyTorch, for timing and tests |
| `timing` | medians of contenders that take turns |
"""
