import * as models from '@kubernetes/client-node';

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}

type Model = { readonly attributeTypeMap?: readonly Attribute[] };

/**
 * Where a value differs from the type of the OpenAPI document that the client library was made of: fields that the type does not
 * have, and values of another kind. `type` is a name of that document, such as `V1DaemonSet`. Pure.
 */
export function checkFields(value: unknown, type: string, path: string): readonly string[] {
  const item = /^Array<(.+)>$/.exec(type)?.[1];
  if (item !== undefined) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((one, index) => checkFields(one, item, `${path}[${index}]`));
  }
  const entry = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (entry !== undefined) {
    if (!isRecord(value)) return [`${path} is no map`];
    return Object.entries(value).flatMap(([key, one]) => checkFields(one, entry, `${path}.${key}`));
  }
  const scalar = checkScalar(value, type);
  if (scalar !== null) return scalar ? [] : [`${path} is ${typeof value} and not ${type}`];
  const { attributeTypeMap: attributes } = (models as unknown as Readonly<Record<string, Model>>)[type] ?? {};
  if (attributes === undefined) throw new Error(`${path}: there is no type ${type}`);
  if (!isRecord(value)) return [`${path} is no object`];
  return Object.entries(value).flatMap(([key, one]) => {
    const attribute = attributes.find(({ baseName }) => baseName === key);
    return attribute === undefined ? [`${path} has no field ${key}`] : checkFields(one, attribute.type, `${path}.${key}`);
  });
}

/** Null where the type is no scalar. */
function checkScalar(value: unknown, type: string): boolean | null {
  switch (type) {
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
    case 'IntOrString':
      return typeof value === 'number' || typeof value === 'string';
    case 'any':
      return true;
    default:
      return null;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
