"""A recurrent cell of one's own in PyTorch, written plainly and fused.

The example is the LSTM with peepholes of Gers and Schmidhuber (2000), which
`nn.LSTM` does not offer: the gates also see the cell.
"""

from typing import Any

import torch
from torch import Tensor, nn


class PeepholeLSTM(nn.Module):
    r"""An LSTM whose gates see the cell, one step after the other.

    $i_t, f_t = \sigma(z_t + p \odot c_{t-1})$, $o_t = \sigma(z_t + p_o \odot
    c_t)$, with $z_t$ the sums of `nn.LSTM`, its gates in the order i, f, g, o.
    [Gers and Schmidhuber (2000)](https://doi.org/10.1109/IJCNN.2000.861302).

    Args:
        input_size, hidden_size: as in `nn.LSTM`.
        fused: take `FusedPeephole`, whose backward pass is written by hand.
    """

    W_x: Tensor
    W_h: Tensor
    b: Tensor
    peepholes: Tensor

    def __init__(
        self, input_size: int, hidden_size: int, fused: bool = False
    ) -> None:
        super().__init__()
        bound = hidden_size**-0.5
        shapes = {
            "W_x": (input_size, 4 * hidden_size),
            "W_h": (hidden_size, 4 * hidden_size),
            "b": (4 * hidden_size,),
            "peepholes": (3, hidden_size),
        }
        for name, shape in shapes.items():
            values = torch.empty(shape).uniform_(-bound, bound)
            self.register_parameter(name, nn.Parameter(values))
        self.hidden_size, self.fused = hidden_size, fused
        self.step: Any = peephole_step

    def forward(self, x: Tensor) -> Tensor:
        """Return h after every step: (batch, time, hidden), from zeros."""
        from_x = x @ self.W_x + self.b
        if self.fused:
            return FusedPeephole.apply(from_x, self.W_h, self.peepholes)
        h = c = x.new_zeros(len(x), self.hidden_size)
        outputs = []
        for z in from_x.unbind(1):
            h, c = self.step(z, h, c, self.W_h, self.peepholes)
            outputs.append(h)
        return torch.stack(outputs, 1)


def peephole_step(
    z: Tensor, h: Tensor, c: Tensor, W_h: Tensor, peepholes: Tensor
) -> tuple[Tensor, Tensor]:
    """Take one step; `z` is what the input contributes to the gates."""
    i, f, g, o = (z + h @ W_h).chunk(4, 1)
    p_i, p_f, p_o = peepholes
    i, f = torch.sigmoid(i + p_i * c), torch.sigmoid(f + p_f * c)
    c = f * c + i * torch.tanh(g)
    o = torch.sigmoid(o + p_o * c)
    return o * torch.tanh(c), c


class FusedPeephole(torch.autograd.Function):
    """All steps as one operation of autograd, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any, from_x: Tensor, W_h: Tensor, peepholes: Tensor
    ) -> Tensor:
        """Run the steps without a graph, and keep what `backward` needs."""
        batch, time, width = from_x.shape
        H, (p_i, p_f, p_o) = width // 4, peepholes
        gates = from_x.transpose(0, 1).contiguous()
        cells = from_x.new_zeros(time + 1, batch, H)
        hidden = from_x.new_zeros(time + 1, batch, H)
        for t in range(time):
            c = cells[t]
            z = gates[t].addmm_(hidden[t], W_h)
            i, f, g, o = z.chunk(4, 1)
            i.addcmul_(c, p_i).sigmoid_()
            f.addcmul_(c, p_f).sigmoid_()
            g.tanh_()
            torch.mul(f, c, out=cells[t + 1]).addcmul_(i, g)
            o.addcmul_(cells[t + 1], p_o).sigmoid_()
            torch.mul(o, cells[t + 1].tanh(), out=hidden[t + 1])
        ctx.save_for_backward(gates, cells, hidden, W_h, peepholes)
        return hidden[1:].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Tensor, ...]:
        """Send the gradients back; the weights' come from one product."""
        gates, cells, hidden, W_h, peepholes = ctx.saved_tensors
        (time, batch, width), (p_i, p_f, p_o) = gates.shape, peepholes
        d_steps = d_outputs[0].transpose(0, 1)
        d_z = torch.empty_like(gates)
        d_h = d_c = gates.new_zeros(batch, width // 4)
        W_h_T = W_h.t().contiguous()
        # The slopes of all steps at once; tanh's stands in the third block.
        slopes = gates * (1 - gates)
        slopes.chunk(4, 2)[2].copy_(1 - gates.chunk(4, 2)[2] ** 2)
        tanh_c = cells[1:].tanh()
        slope_c = 1 - tanh_c**2
        for t in reversed(range(time)):
            i, f, g, o = gates[t].chunk(4, 1)
            s_i, s_f, s_g, s_o = slopes[t].chunk(4, 1)
            d_i, d_f, d_g, d_o = d_z[t].chunk(4, 1)
            d_h = d_h + d_steps[t]
            torch.mul(d_h * tanh_c[t], s_o, out=d_o)
            d_c = (d_c + d_h * o * slope_c[t]).addcmul_(d_o, p_o)
            torch.mul(d_c * g, s_i, out=d_i)
            torch.mul(d_c * cells[t], s_f, out=d_f)
            torch.mul(d_c * i, s_g, out=d_g)
            d_c = (d_c * f).addcmul_(d_i, p_i).addcmul_(d_f, p_f)
            d_h = d_z[t] @ W_h_T
        flat = d_z.reshape(-1, width)
        d_W_h = hidden[:-1].reshape(-1, width // 4).t() @ flat
        d_i, d_f, _, d_o = d_z.chunk(4, 2)
        seen = ((d_i, cells[:-1]), (d_f, cells[:-1]), (d_o, cells[1:]))
        d_p = torch.stack([(d * c).sum((0, 1)) for d, c in seen])
        return d_z.transpose(0, 1), d_W_h, d_p
