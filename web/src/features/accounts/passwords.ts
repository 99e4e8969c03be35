/** The service's rule for passwords, as a hint that follows what is typed. Pure. */

import { count } from "../../ui/numbers";

/** Characters as the service counts them: code points, so an emoji is one. */
export function characters(text: string): number {
  return [...text].length;
}

export function passwordHint(least: number, most: number, typed: string): string {
  const rule = `${count(least)} to ${count(most)} characters`;
  const length = characters(typed);
  if (length === 0) return rule;
  if (length < least) return `${rule}: ${count(least - length)} more`;
  return length > most ? `${rule}: ${count(length - most)} too many` : rule;
}
