// Pulumi hands a TypeScript entry of a policy pack to a compiler of its own, which knows neither these imports nor ES modules; what a JavaScript one
// imports is Node.js's affair.
import './pack.ts';
