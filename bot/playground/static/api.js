/** Calls to the playground's own server. Addresses are relative, so the page works wherever it is mounted. */

/** A refusal by the server; `code` picks the words (`errors` in words.js). */
export class ApiError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(`api/${path}`, options);
  } catch {
    throw new ApiError("offline");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(body.error ?? (response.status === 413 ? "too_large" : "other"));
  return body;
}

/** POSTs JSON and returns the JSON answer. */
export function post(path, body = {}) {
  return request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** POSTs a picture's bytes as they are. */
export function postFile(path, blob) {
  return request(path, { method: "POST", headers: { "Content-Type": blob.type || "application/octet-stream" }, body: blob });
}

export const remove = (path) => request(path, { method: "DELETE" });
