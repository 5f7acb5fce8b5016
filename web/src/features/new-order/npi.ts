/** Luhn over 80840 (health, USA) and the NPI, as CMS defines it. */
export function hasRightCheckDigit(npi: string): boolean {
  let total = 0;
  for (const [place, digit] of `80840${npi}`.split("").reverse().entries()) {
    const value = Number(digit) * (1 + (place % 2));
    total += value > 9 ? value - 9 : value;
  }
  return total % 10 === 0;
}
