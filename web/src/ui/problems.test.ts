import { describe, expect, it } from "vitest";
import { ApiError } from "../api/errors";
import { formProblems } from "./problems";

const refused = (...problems: ApiError["problems"]) =>
  new ApiError({ status: 422, code: "INVALID_REQUEST", message: "a: is wrong", requestId: "r1", problems });

describe("problems of a form", () => {
  it("stand at their fields, with what is allowed", () => {
    const { at, notice } = formProblems(
      refused(
        { path: "username", message: "is not acceptable", allowed: "1 to 64 letters" },
        { path: "scopes.0", message: "unknown" },
        { path: "elsewhere", message: "odd" },
      ),
      ["username", "scopes"],
    );
    expect(at).toEqual({ username: "is not acceptable: use 1 to 64 letters", scopes: "unknown" });
    expect(notice?.message).toBe("2 fields are wrong; elsewhere: odd");
    expect(notice?.requestId).toBe("r1");
  });

  it("leave a refusal alone that names no field of the form", () => {
    const error = refused({ path: "other", message: "is wrong" });
    expect(formProblems(error, ["username"])).toEqual({ at: {}, notice: error });
    expect(formProblems(null, [])).toEqual({ at: {}, notice: null });
  });
});
