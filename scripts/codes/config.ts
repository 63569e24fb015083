import type { CodeTexts } from './code-text.ts';

/** Codes of the configuration file and the flags. */
export const configCodes: CodeTexts = {
  WP_CONFIG_DUPLICATE_FIELD: ['warning', 'a field stands twice in the file; the last one counts', 'remove one of them'],
  WP_CONFIG_FLAG: ['end', 'the value of a flag is not of its type', 'correct it as the message says'],
  WP_CONFIG_FLAG_DEPRECATED: ['warning', 'a flag has a newer one in its place', 'use the flag that the message names'],
  WP_CONFIG_FLAG_IGNORED: [
    'warning',
    'flags stand beside `--config` that have no effect there',
    'put them into the file as fields, or remove them',
  ],
  WP_CONFIG_KIND: [
    'start',
    'a document of the file is of no kind that is known, or of one that is there twice',
    'correct `apiVersion` and `kind`; there may be one document of each kind',
  ],
  WP_CONFIG_MARK: [
    'warning',
    '`ingress.fwmark.mask` has bits that kube-proxy, kubelet or the agent itself use otherwise',
    'choose other bits',
  ],
  WP_CONFIG_NO_EFFECT: [
    'warning',
    'a setting has no effect, because its switch is off or the mode is another one',
    'remove it, or switch on what it belongs to',
  ],
  WP_CONFIG_READ: ['start', 'the configuration file cannot be read', 'correct the path of `--config` or the rights of the file'],
  WP_CONFIG_SYNTAX: ['start', 'the configuration file is not valid YAML', 'correct the line that the message names'],
  WP_CONFIG_TYPE: ['start', 'a field of the file has a value of the wrong type', 'correct the line that the message names'],
  WP_CONFIG_UNKNOWN_FIELD: [
    'warning',
    'the file has a field that is not known and has no effect',
    'correct its spelling; `waypost config explain` lists all fields',
  ],
  WP_CONFIG_VALUE: [
    'start',
    'a value is outside of what its field allows, or contradicts another',
    'correct it as the message says',
  ],
};
