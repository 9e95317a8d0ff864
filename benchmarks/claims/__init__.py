"""What the book claims: one module a chapter, one function a claim.

A chapter marks the sentence that a claim supports by `[ᶜ](claims.md#NAME)`,
where NAME is the function's. `tests/test_claims.py` checks every claim.
"""

from .claim import Claim, Effect, claim, every, exchanged

__all__ = ["Claim", "Effect", "claim", "every", "exchanged"]
