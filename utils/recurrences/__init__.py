"""Recurrences linear in their state, and therefore parallel in time.

`minimal` (minGRU, minLSTM), `diagonal` (LRU, S4D), `selective` (Mamba's scan),
`matrix_state` (linear attention, delta rule) and `newton` (the RNN and the GRU
without their loop) are NumPy; `pytorch_scan`, `pytorch` and `keras` are their
counterparts in the frameworks. Chapter 12.
"""
