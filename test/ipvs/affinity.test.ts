import { describeAffinity } from '../packets/affinity-suite.ts';
import { netlinkVariant } from './variants.ts';

describeAffinity(netlinkVariant());
