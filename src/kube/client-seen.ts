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

/** A request that is about to be sent. */
export interface TurnSeen {
  readonly method: string;
  /** Host and port of the server. */
  readonly host: string;
  /** Milliseconds that the client's own limit holds it back. */
  readonly waited: number;
}

/** Told of each request before it is sent. */
export type TurnObserver = (seen: TurnSeen) => void;

/** Told of each request when its answer begins or cannot come any more. */
export type RequestObserver = (seen: RequestSeen) => void;
