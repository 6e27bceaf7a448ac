/** This machine lacks what a check needs; the message is one line that says what to install. */
export class Unavailable extends Error {}
