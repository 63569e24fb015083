import { addStep, fail, isLoopback, startWorld, stepsOf, succeed } from '../model/mod.ts';
import type {
  Address,
  Outcome,
  PacketWorld,
  SentPacket,
  StageEnd,
  TraceHook,
  TracedPacket,
  TraceStage,
  TraceStep,
} from '../model/mod.ts';
import { orderStages } from './order-stages.ts';
import type { HookPart, OrderedStages } from './order-stages.ts';
import type { Routing } from './routing.ts';
import { isOpen, noteTranslation, settle, track } from './tracking.ts';

/** A node as packets meet it. */
export interface TracedNode {
  readonly routing: Routing;
  /** Of all rooms, in any order. */
  readonly stages: readonly TraceStage[];
  readonly sysctls: NodeSysctls;
}

/** Settings of the kernel that decide about packets before any rule does. */
export interface NodeSysctls {
  /** `net.ipv4.ip_forward`, `net.ipv6.conf.all.forwarding`. */
  readonly forwarding: boolean;
  /** Devices on which packets may arrive for 127.0.0.0/8 (`route_localnet`, of the device or of `all`). */
  readonly loopbackRouting: (device: string) => boolean;
  /** Devices on which a source must be routed back through the same device (`rp_filter` 1). */
  readonly strictReversePath: (device: string) => boolean;
}

/** One of the ways a packet can go. */
export interface TracedWay {
  /** `local`: handed to a socket of this node, if one listens. `sent`: left through a device. */
  readonly end: 'local' | 'sent' | 'refused' | 'dropped' | 'unroutable';
  readonly probability: number;
  /** As it is at the end. */
  readonly packet: TracedPacket;
  readonly mark: number;
  /** Where it was sent on to as it came; null where it was not. */
  readonly via: Address | null;
  /** Null where it left through none. */
  readonly outDevice: string | null;
  /** Whether the source that the receiver sees was rewritten. */
  readonly masqueraded: boolean;
  readonly evaluated: number;
  readonly steps: readonly TraceStep[];
}

/** More ways than anybody reads, and than any Service has back ends. */
const mostWays = 100_000;

/**
 * Sends the first packet of a connection through a node the way the kernel does and gives every way it can go. Fails with
 * `WP_TRACE_WAYS` where they are too many, and as the stages do.
 */
export function walkPacket(node: TracedNode, sent: SentPacket): Outcome<readonly TracedWay[]> {
  const walk = new Walk(node);
  const world = startWorld(sent);
  if (sent.inDevice === null) walk.send(world);
  else walk.receive(world);
  return walk.failure ?? succeed(walk.ways);
}

type Then = (world: PacketWorld) => void;

/** What is left of a hook. */
interface Following {
  readonly hook: TraceHook;
  readonly rest: readonly HookPart[];
  readonly onward: Then;
}

/** Follows one packet into all its ways. */
class Walk {
  readonly ways: TracedWay[] = [];
  failure: (Outcome<never> & { readonly ok: false }) | null = null;
  readonly #node: TracedNode;
  readonly #stages: OrderedStages;

  constructor(node: TracedNode) {
    this.#node = node;
    this.#stages = orderStages(node.stages);
  }

  /** From outside. */
  receive(world: PacketWorld): void {
    this.#pass(world, 'prerouting', (one) => this.#routeArrived(one));
  }

  /** From a process on the node. The way out is the one chosen before rules, up to a translation or a new mark. */
  send(world: PacketWorld): void {
    const routed = this.#chooseWayOut(world, world.mark);
    if (routed === null) return;
    this.#pass(routed, 'output', (one) => {
      const moved = one.reroute || one.packet.destination !== routed.packet.destination;
      const again = moved && !one.balanced ? this.#chooseWayOut(one, one.mark) : one;
      if (again !== null) this.#leave(again);
    });
  }

  #routeArrived(world: PacketWorld): void {
    const { routing, sysctls } = this.#node;
    const { source, destination, family } = world.packet;
    const martian = family === 'IPv4' && isLoopback(destination) && !sysctls.loopbackRouting(world.inDevice);
    if (martian) return this.#halt(world, `${destination} may not arrive from a wire: route_localnet of ${world.inDevice} is 0`);
    if (family === 'IPv4' && sysctls.strictReversePath(world.inDevice) && !this.#comesBack(source, world.inDevice))
      return this.#halt(world, `packets to ${source} do not leave through ${world.inDevice}, and rp_filter is 1 there`);
    const answer = routing.lookup(destination, world.mark);
    const stepped = addStep(world, { hook: null, ...answer.how });
    if (answer.to === 'local') return this.#deliver(stepped);
    if (answer.to === 'nowhere') return this.#end(stepped, 'unroutable');
    if (!sysctls.forwarding) return this.#halt(stepped, 'this node does not forward packets (ip_forward, forwarding)');
    this.#pass({ ...stepped, outDevice: answer.device }, 'forward', (one) => this.#leave(one));
  }

  #comesBack(source: Address, device: string): boolean {
    const back = this.#node.routing.lookup(source, 0);
    return back.to === 'device' && back.device === device;
  }

  #leave(world: PacketWorld): void {
    const loops = world.outDevice === 'lo';
    this.#pass(world, 'postrouting', (one) => (loops ? this.#comeBack(one) : this.#end(one, 'sent')));
  }

  /** Through the loopback device. Its connection is known by then, so translation is over. */
  #comeBack(world: PacketWorld): void {
    const arrived = { ...world, inDevice: 'lo', outDevice: '' };
    this.#pass(arrived, 'prerouting', (one) => this.#deliver(one));
  }

  #deliver(world: PacketWorld): void {
    this.#pass(world, 'input', (one) => this.#end(one, 'local'));
  }

  /** What a balancer sends on: it looks the route up without a mark (net/netfilter/ipvs/ip_vs_xmit.c). */
  #sendOn(world: PacketWorld, hook: TraceHook, rest: readonly HookPart[], onward: Then): void {
    if (this.#node.routing.addressType(world.via ?? world.packet.destination) === 'local') {
      // A back end on this node goes on where it was.
      const outDevice = hook === 'output' ? 'lo' : world.outDevice;
      return this.#passRest({ ...world, outDevice }, hook, rest, onward);
    }
    const routed = this.#chooseWayOut(world, 0);
    if (routed !== null) this.#pass(routed, 'output', (one) => this.#leave(one));
  }

  /** Null where there is none, and that is an end. */
  #chooseWayOut(world: PacketWorld, mark: number): PacketWorld | null {
    const answer = this.#node.routing.lookup(world.via ?? world.packet.destination, mark);
    const stepped = addStep(world, { hook: null, ...answer.how });
    if (answer.to !== 'nowhere') return { ...stepped, outDevice: answer.to === 'local' ? 'lo' : answer.device };
    this.#end(stepped, 'unroutable');
    return null;
  }

  #pass(world: PacketWorld, hook: TraceHook, onward: Then): void {
    this.#passRest(world, hook, this.#stages[hook], onward);
  }

  /** Through the stages of a hook, one after another; `onward` gets what comes out. */
  #passRest(world: PacketWorld, hook: TraceHook, stages: readonly HookPart[], onward: Then): void {
    if (this.failure !== null) return;
    const [stage, ...rest] = stages;
    if (stage === undefined) return onward(world);
    if (stage === 'tracking') return this.#passRest(track(world), hook, rest, onward);
    if (stage === 'settled') return this.#passRest(settle(world, hook), hook, rest, onward);
    if (stage.nat && !isOpen(world, hook)) return this.#passRest(world, hook, rest, onward);
    const walked = stage.walk(world, this.#node.routing);
    if (!walked.ok) {
      this.failure = walked;
      return;
    }
    for (const { world: one, verdict } of walked.value) {
      const reroute = one.reroute || (stage.reroutes && one.mark !== world.mark);
      this.#follow({ world: { ...one, reroute }, verdict }, stage, { hook, rest, onward });
    }
  }

  #follow({ world, verdict }: StageEnd, stage: TraceStage, { hook, rest, onward }: Following): void {
    switch (verdict) {
      case 'accept':
        return this.#passRest(stage.nat ? noteTranslation(world, hook) : world, hook, rest, onward);
      case 'balanced':
        return this.#sendOn({ ...world, balanced: true }, hook, rest, onward);
      case 'drop':
        return this.#end(world, 'dropped');
      case 'reject':
        return this.#end(world, 'refused');
    }
  }

  #halt(world: PacketWorld, words: string): void {
    const step: TraceStep = { hook: null, place: 'routing', text: words, effects: [{ kind: 'drop' }] };
    this.#end(addStep(world, step), 'dropped');
  }

  #end(world: PacketWorld, end: TracedWay['end']): void {
    const { packet, probability, mark, via, outDevice, connection, evaluated } = world;
    if (this.ways.length >= mostWays) {
      this.failure = fail('WP_TRACE_WAYS', `the packet has more than ${mostWays} ways to go`);
      return;
    }
    const masqueraded = connection.translated.source;
    const device = end === 'sent' ? outDevice : null;
    this.ways.push({ end, probability, packet, mark, via, outDevice: device, masqueraded, evaluated, steps: stepsOf(world) });
  }
}
