import { describe, expect, it } from "vitest";
import { Resume } from "./resume";

const at = (seq: number, epoch = "a") => ({ epoch, seq });

describe("Resume", () => {
  it("knows nothing before the first answer", () => {
    expect(new Resume().since).toBeNull();
  });

  it("follows acknowledgements and events", () => {
    const resume = new Resume();
    resume.subscribed();
    resume.acknowledged(at(3));
    expect(resume.since).toEqual(at(3));
    expect(resume.take(at(5))).toBe(true);
    expect(resume.take(at(5))).toBe(false);
    expect(resume.take(at(4))).toBe(false);
    expect(resume.since).toEqual(at(5));
  });

  it("does not move on while a replay is open, and tells nothing twice after a cut in it", () => {
    const resume = new Resume();
    resume.subscribed();
    resume.acknowledged(at(3));
    resume.connected();
    resume.subscribed();
    resume.subscribed();
    expect(resume.take(at(9))).toBe(true);
    resume.acknowledged(at(8));
    expect(resume.since).toEqual(at(3));
    resume.connected(); // cut before the second answer
    resume.subscribed();
    resume.subscribed();
    expect([4, 9].map((seq) => resume.take(at(seq)))).toEqual([true, false]);
    resume.acknowledged(at(10));
    resume.acknowledged(at(10));
    expect(resume.since).toEqual(at(10));
  });

  it("begins anew after a gap and in another epoch", () => {
    const resume = new Resume();
    resume.subscribed();
    resume.acknowledged(at(3));
    resume.gap(at(1, "b"));
    expect(resume.since).toEqual(at(1, "b"));
    expect(resume.take(at(2, "b"))).toBe(true);
    expect(resume.take(at(1, "c"))).toBe(true);
    expect(resume.since).toEqual(at(1, "c"));
  });
});
