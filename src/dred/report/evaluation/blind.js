// A, B and X: X is one of the two by chance, and the listener says which. The number of votes is fixed beforehand, so
// that nobody stops when it looks good; what was right is told at the end.
class BlindTest {
  static VOTES = 12;

  constructor(a, b) {
    this.takes = { a, b };
    this.votes = 0;
    this.right = 0;
    this.hide();
  }

  hide() {
    this.truth = crypto.getRandomValues(new Uint8Array(1))[0] & 1 ? "a" : "b";
  }

  takeOf(letter) {
    return this.takes[letter === "x" ? this.truth : letter];
  }

  vote(letter) {
    this.votes += 1;
    if (letter === this.truth) this.right += 1;
    this.hide();
  }

  get isOver() {
    return this.votes >= BlindTest.VOTES;
  }

  // How likely a listener who only guesses is right so often: the upper tail of the binomial distribution.
  get chance() {
    let ways = 1;
    let tail = 0;
    for (let right = 0; right <= this.votes; right += 1) {
      if (right >= this.right) tail += ways;
      ways = (ways * (this.votes - right)) / (right + 1);
    }
    return tail / 2 ** this.votes;
  }
}
