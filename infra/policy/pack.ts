import { PolicyPack } from '@pulumi/policy';
import { rules } from './rules.ts';

/** `pulumi preview --policy-pack policy`: what the rules find stops the operation. */
new PolicyPack('tutti', {
  policies: rules.map(({ name, description, check }) => ({
    name,
    description,
    enforcementLevel: 'mandatory',
    validateResource: ({ type, name: resource, props }, report) => {
      const wrong = check({ type, name: resource, props });
      if (wrong !== null) report(`${resource}: ${wrong}`);
    },
  })),
});
