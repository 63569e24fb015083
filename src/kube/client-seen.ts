/** One request to the API server, for those who count them. */
export interface RequestSeen {
  readonly method: string;
  /** Host and port of the server. */
  readonly host: string;
  /** HTTP status, or `<error>` where none came, as client-go counts. */
  readonly code: string;
  /** Milliseconds from sending to the head of the answer. */
  readonly took: number;
}

/** Told of each request when its answer begins or cannot come any more. */
export type RequestObserver = (seen: RequestSeen) => void;
