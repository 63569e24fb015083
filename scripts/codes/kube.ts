import type { CodeTexts } from './code-text.ts';
import { nothing } from './code-text.ts';

const retried = 'nothing: it is tried again; see to the API server where it goes on';

/** Codes of the API server, of manifests and of what objects say. */
export const kubeCodes: CodeTexts = {
  WP_KUBE_ANNOTATION: [
    'warning',
    'an annotation of a Service has a value that is not understood; the message says what counts in its place',
    'tell the owner, who has an Event InvalidAnnotation as well',
  ],
  WP_KUBE_BUSY: ['warning', 'the API server asks to come back later (429)', retried],
  WP_KUBE_CONFIG: ['end', 'a kubeconfig or the URL of the API server cannot be used', 'correct the entry that the message names'],
  WP_KUBE_CREDENTIALS: [
    'warning',
    'the credentials for the API server cannot be read or sent',
    'see to the token, certificate or program that the message names',
  ],
  WP_KUBE_EVENT: [
    'warning',
    'an Event could not be written; nothing else depends on it',
    'allow the agent to create and patch events where the reason is a missing right',
  ],
  WP_KUBE_EXPIRED: [
    'warning',
    'the API server no longer has the version that a watch was to go on from; all is listed anew',
    nothing,
  ],
  WP_KUBE_FIELD: [
    'warning',
    'a field of an object is malformed; the message says what counts in its place',
    'correct the object',
  ],
  WP_KUBE_FORBIDDEN: [
    'warning',
    'the account of the agent may not do what it asked (403)',
    'give it the roles of deploy/, which name every right',
  ],
  WP_KUBE_LEASE: [
    'warning',
    'the Lease of this node for announcing was lost, changed by another, or cannot be named',
    'see that one agent runs on the node; a node’s name must leave room for the prefix of the Lease',
  ],
  WP_KUBE_MANIFEST: ['warning', 'a manifest has more problems than are told one by one', 'correct those that were told first'],
  WP_KUBE_MANIFEST_DUPLICATE: ['warning', 'an object is there twice in the manifests; one of them counts', 'remove one'],
  WP_KUBE_MANIFEST_IO: [
    'warning',
    'the folder of manifests or a file of it cannot be read or watched; what was read of it stays',
    'correct path or rights; it is tried again',
  ],
  WP_KUBE_MANIFEST_KIND: [
    'warning',
    'a manifest has an object of a kind that is not used here; it is left out',
    'nothing, or remove it',
  ],
  WP_KUBE_MANIFEST_SYNTAX: [
    'warning',
    'a document of a manifest is not valid YAML or JSON',
    'correct the line that the message names',
  ],
  WP_KUBE_NOT_AN_EVENT: [
    'warning',
    'the API server sent something in a watch that is no event of it; all is listed anew where needed',
    'see what stands between agent and API server where it goes on',
  ],
  WP_KUBE_NOT_A_LIST: [
    'warning',
    'the API server sent something that is no list',
    'see what stands between agent and API server where it goes on',
  ],
  WP_KUBE_NOT_IN_CLUSTER: [
    'end',
    'there is no service account to reach the API server with',
    'give `--kubeconfig` or `--master`, or run as a pod with its token mounted',
  ],
  WP_KUBE_OBJECT: ['warning', 'an object makes no sense as a whole and is left out', 'correct the object that the message names'],
  WP_KUBE_REFUSED: [
    'warning',
    'the API server refused a request as invalid; where it knows no streaming lists, ordinary ones are used',
    nothing,
  ],
  WP_KUBE_RESET: ['warning', 'the connection to the API server ended in the middle of an answer', retried],
  WP_KUBE_SHORT_WATCH: ['warning', 'the API server ends watches again and again after a moment', retried],
  WP_KUBE_SILENT: ['warning', 'the API server said nothing for longer than is waited', retried],
  WP_KUBE_STATUS: ['warning', 'the API server answered with an error that the message gives', retried],
  WP_KUBE_TLS: [
    'warning',
    'the API server and this node do not trust each other’s certificates',
    'correct the certificate authority or the client certificate in the kubeconfig',
  ],
  WP_KUBE_TOO_LARGE: [
    'warning',
    'the API server sent a single object that is larger than is accepted',
    'see which object that is; report it as a bug where it is a sensible one',
  ],
  WP_KUBE_UNAUTHORIZED: [
    'warning',
    'the API server does not accept the credentials (401); they are read anew',
    'see to the token or certificate where it goes on',
  ],
  WP_KUBE_UNREACHABLE: [
    'warning',
    'the API server cannot be reached; what was read before is served on',
    'see to the address in the kubeconfig, and to the network between',
  ],
};
