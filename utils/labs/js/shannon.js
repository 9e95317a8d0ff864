/** A game of guessing a text character by character, after Shannon (1951).
 * A player's record is one number a character: the guess that was right.
 * `utils.labs.shannon` has the same costs. */
export class Game {
  constructor(text) {
    this.text = text;
    this.ranks = [];
    this.wrong = [];
  }
  get done() { return this.ranks.length === this.text.length; }
  /** Take a guess: "right", "wrong", or "again" for one made before. */
  guess(character) {
    if (this.done || this.wrong.includes(character)) return "again";
    if (character !== this.text[this.ranks.length]) {
      this.wrong.push(character);
      return "wrong";
    }
    this.ranks.push(this.wrong.length + 1);
    this.wrong = [];
    return "right";
  }
  /** Turn the character over; it counts as the last guess there is. */
  reveal(last) {
    if (this.done) return;
    this.ranks.push(last);
    this.wrong = [];
  }
}

/** Bits a character, where code[r - 1] is what a right guess number r costs. */
export function cost(ranks, code) {
  const bits = ranks.map(r => code[Math.min(r, code.length) - 1]);
  return mean(bits);
}

export function mean(values) {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}
