/** How a node's problem begins that says so: nodes write it, and who asks them looks for it among their other problems. */
export const noMajority = 'no leader can be elected';
