"""Checkers for the exercises: given a reader's function, they say which
mistake it makes."""

from utils.exercises.attention import (
    check_attention_weights,
    check_copy_gate,
    check_coverage_loss,
    check_dot_product_attention,
    check_padding_mask,
    check_tempered_weights,
)
from utils.exercises.bidirectional import (
    check_final_states,
    check_joined,
    check_shifted,
)
from utils.exercises.cells import (
    check_gru_cell,
    check_lstm_backward,
    check_lstm_cell,
    check_rnn_cell,
)
from utils.exercises.forecasting import (
    check_conformal,
    check_diebold_mariano,
    check_har_features,
    check_price_windows,
    check_qlike,
    check_scaler,
)
from utils.exercises.language import (
    check_bigram,
    check_perplexity,
    check_sampler,
    check_streams,
    check_temperature,
    check_top_p,
)
from utils.exercises.length import (
    check_line,
    check_masked_loss,
    check_score,
)
from utils.exercises.recurrence import (
    check_delta_step,
    check_join,
    check_log_min_gru,
    check_parity,
    check_scan,
)
from utils.exercises.rnn_basics import check_bptt, check_clipping
from utils.exercises.sentiment import (
    check_calibration_error,
    check_macro_f1,
    check_masked_max,
    check_mcnemar,
    check_nb_ratio,
)
from utils.exercises.speed import (
    check_combined_gradient,
    check_intensity,
    check_ring_seconds,
)

__all__ = [
    "check_attention_weights",
    "check_bigram",
    "check_bptt",
    "check_calibration_error",
    "check_clipping",
    "check_combined_gradient",
    "check_conformal",
    "check_copy_gate",
    "check_coverage_loss",
    "check_delta_step",
    "check_diebold_mariano",
    "check_dot_product_attention",
    "check_final_states",
    "check_gru_cell",
    "check_har_features",
    "check_intensity",
    "check_join",
    "check_joined",
    "check_line",
    "check_log_min_gru",
    "check_lstm_backward",
    "check_lstm_cell",
    "check_macro_f1",
    "check_masked_loss",
    "check_masked_max",
    "check_mcnemar",
    "check_nb_ratio",
    "check_padding_mask",
    "check_parity",
    "check_perplexity",
    "check_price_windows",
    "check_qlike",
    "check_ring_seconds",
    "check_rnn_cell",
    "check_sampler",
    "check_scaler",
    "check_scan",
    "check_score",
    "check_shifted",
    "check_streams",
    "check_temperature",
    "check_tempered_weights",
    "check_top_p",
]
