/** Why a sign-in at an identity provider failed, in words. The codes are those of `oidc_errors.py`. */

const WORDS: Record<string, string> = {
  flow: "The answer belongs to no sign-in that was begun in this browser, or it took too long. Please try again.",
  denied: "The identity provider did not let you in, or you cancelled.",
  unreachable: "The identity provider cannot be reached. Try again in a moment.",
  answer: "The identity provider's answer could not be trusted. An administrator finds the reason in the log.",
  config: "Sign-in with this identity provider is not set up correctly. An administrator finds the reason in the log.",
  not_allowed: "You are not among those who may use this service.",
  no_account: "There is no account for you here. An administrator can make one.",
  disabled: "Your account is disabled.",
};

/** Anybody can write the address of this page, so only known codes become words, and never their own. */
export function refusal(code: string | null): string | null {
  if (code === null) return null;
  return (Object.hasOwn(WORDS, code) && WORDS[code]) || "Please try again.";
}

/** The id of a request as the service makes them; anything else is somebody's joke. */
export function reference(text: string | null): string | null {
  return text && /^[A-Za-z0-9._:-]{1,64}$/.test(text) ? text : null;
}
