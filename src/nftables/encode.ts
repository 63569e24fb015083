import { messageFlags, writeNested } from '../netlink/mod.ts';
import type { ByteWriter, Request } from '../netlink/mod.ts';
import { writeElement } from './encode-element.ts';
import { writeStatements } from './encode-rule.ts';
import { writeSet } from './encode-set.ts';
import type { Chain, Command, Element, Rule, SetDefinition, TableName, Transaction } from './transaction.ts';
import { beginNest, commentBytes, endNest, writeBytes, writeLong, writeNumber, writeText } from './wire-attribute.ts';
import {
  arpHookNumbers,
  chainAttribute,
  commentUserdata,
  familyNumbers,
  hookAttribute,
  hookNumbers,
  listAttribute,
  messageType,
  ownerFlag,
  ruleAttribute,
  setAttribute,
  subsystem,
  tableAttribute,
} from './wire-names.ts';

/** Messages of a transaction, and for each the index of its command. */
export interface Batch {
  readonly messages: readonly Request[];
  readonly commands: readonly number[];
}

/**
 * Elements of one message: the list's length has 16 bits, and the longest element (a name of 128 bytes, a comment of as
 * many, two keys of 64) has less than the 640 bytes that this leaves for it.
 */
const elementsPerMessage = 100;

/** The messages that carry out a transaction, in order; lists of elements are cut to fit. */
export function encodeTransaction({ table, commands }: Transaction): Batch {
  const messages: Request[] = [];
  const origins: number[] = [];
  for (const [index, command] of commands.entries()) {
    for (const message of encodeCommand(table, command, index)) {
      messages.push(message);
      origins.push(index);
    }
  }
  return { messages, commands: origins };
}

function encodeCommand(table: TableName, command: Command, index: number): readonly Request[] {
  switch (command.kind) {
    case 'add-table':
      return [
        request(table, messageType.newTable, messageFlags.create, (writer) => {
          writeText(writer, tableAttribute.name, table.name);
          if (command.owned === true) writeNumber(writer, tableAttribute.flags, ownerFlag);
        }),
      ];
    case 'delete-table':
      return [request(table, messageType.delTable, 0, (writer) => writeText(writer, tableAttribute.name, table.name))];
    case 'flush-table':
      return [request(table, messageType.delRule, 0, (writer) => writeText(writer, ruleAttribute.table, table.name))];
    case 'add-chain':
      return [request(table, messageType.newChain, messageFlags.create, (writer) => writeChain(writer, table, command.chain))];
    case 'delete-chain':
      return [request(table, messageType.delChain, 0, (writer) => writeNames(writer, chainAttribute, table.name, command.chain))];
    case 'flush-chain':
      return [request(table, messageType.delRule, 0, (writer) => writeRulePlace(writer, table, command.chain))];
    case 'add-rule':
      return [
        request(table, messageType.newRule, messageFlags.create | messageFlags.append, (writer) => {
          writeRulePlace(writer, table, command.chain);
          writeRule(writer, table, command.rule);
        }),
      ];
    case 'delete-rule':
      return [
        request(table, messageType.delRule, 0, (writer) => {
          writeRulePlace(writer, table, command.chain);
          writeLong(writer, ruleAttribute.handle, command.handle);
        }),
      ];
    default:
      return encodeSetCommand(table, command, index);
  }
}

function encodeSetCommand(
  table: TableName,
  command: Extract<Command, { readonly set: SetDefinition }>,
  index: number,
): readonly Request[] {
  const { set } = command;
  switch (command.kind) {
    case 'add-set':
      return [
        request(table, messageType.newSet, messageFlags.create, (writer) => {
          writeNames(writer, setAttribute, table.name, set.name);
          writeSet(writer, set, index + 1);
        }),
      ];
    case 'delete-set':
      return [request(table, messageType.delSet, 0, (writer) => writeNames(writer, setAttribute, table.name, set.name))];
    case 'flush-set':
      // Without a list of elements all of them are meant.
      return [request(table, messageType.delElements, 0, (writer) => writeListPlace(writer, table, set))];
    case 'add-elements':
      return encodeElements(table, set, command.elements, messageType.newElements);
    case 'delete-elements':
      return encodeElements(table, set, command.elements, messageType.delElements);
  }
}

function encodeElements(table: TableName, set: SetDefinition, elements: readonly Element[], type: number): readonly Request[] {
  const identity = type === messageType.delElements;
  const messages: Request[] = [];
  for (let from = 0; from < elements.length; from += elementsPerMessage) {
    const part = elements.slice(from, from + elementsPerMessage);
    messages.push(
      request(table, type, identity ? 0 : messageFlags.create, (writer) => {
        writeListPlace(writer, table, set);
        const list = beginNest(writer, listAttribute.elements);
        for (const element of part) writeElement(writer, set, element, identity);
        endNest(writer, list);
      }),
    );
  }
  return messages;
}

function request(table: TableName, type: number, flags: number, body: (writer: ByteWriter) => void): Request {
  return {
    type: messageNumber(type),
    flags,
    body: (writer) => {
      writeHeader(writer, familyNumbers[table.family]);
      body(writer);
    },
  };
}

/** Type of a message on the wire: the part of nfnetlink it is for, and its number there. */
export function messageNumber(type: number): number {
  return subsystem * 256 + type;
}

/** `struct nfgenmsg`. */
export function writeHeader(writer: ByteWriter, family: number): void {
  writer.u8(family);
  writer.u8(0);
  writer.be16(0);
}

function writeNames(
  writer: ByteWriter,
  attribute: { readonly table: number; readonly name: number },
  table: string,
  name: string,
): void {
  writeText(writer, attribute.table, table);
  writeText(writer, attribute.name, name);
}

function writeRulePlace(writer: ByteWriter, table: TableName, chain: string): void {
  writeText(writer, ruleAttribute.table, table.name);
  writeText(writer, ruleAttribute.chain, chain);
}

function writeListPlace(writer: ByteWriter, table: TableName, set: SetDefinition): void {
  writeText(writer, listAttribute.table, table.name);
  writeText(writer, listAttribute.set, set.name);
}

function writeChain(writer: ByteWriter, table: TableName, { name, hook }: Chain): void {
  writeNames(writer, chainAttribute, table.name, name);
  if (hook === null) return;
  const arp = table.family === 'arp' && (hook.hook === 'input' || hook.hook === 'output');
  const number = arp ? arpHookNumbers[hook.hook as 'input' | 'output'] : hookNumbers[hook.hook];
  writeNested(writer, chainAttribute.hook, (nest) => {
    writeNumber(nest, hookAttribute.number, number);
    writeNumber(nest, hookAttribute.priority, hook.priority >>> 0);
  });
  writeText(writer, chainAttribute.type, hook.type);
  writeNumber(writer, chainAttribute.policy, 1);
}

function writeRule(writer: ByteWriter, table: TableName, { statements, comment }: Rule): void {
  writeNested(writer, ruleAttribute.expressions, (list) => writeStatements(list, table.family, statements));
  if (comment !== undefined) writeBytes(writer, ruleAttribute.userdata, commentBytes(commentUserdata, comment));
}
