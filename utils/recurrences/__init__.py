"""The recurrences that came after transformers: linear in the state, parallel in time.

`minimal` (minGRU, minLSTM), `diagonal` (LRU, S4D), `selective` (Mamba's scan),
`matrix_state` (linear attention, delta rule) and `newton` (the RNN and the GRU
without their loop) are NumPy; `pytorch_scan`, `pytorch` and `keras` their
counterparts in the frameworks. Chapter 12.
"""
