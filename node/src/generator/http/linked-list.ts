/** What may stand in one LinkedList; the list owns both fields. */
export interface Linked<Item> {
  previous: Item | null;
  next: Item | null;
}

/**
 * A doubly linked list through its items: appending, and removing from anywhere, are a few assignments without allocation.
 * An item is in at most one list; the caller knows in which.
 */
export class LinkedList<Item extends Linked<Item>> {
  first: Item | null = null;
  last: Item | null = null;
  length = 0;

  append(item: Item): void {
    item.previous = this.last;
    item.next = null;
    if (this.last === null) this.first = item;
    else this.last.next = item;
    this.last = item;
    this.length++;
  }

  remove(item: Item): void {
    if (item.previous === null) this.first = item.next;
    else item.previous.next = item.next;
    if (item.next === null) this.last = item.previous;
    else item.next.previous = item.previous;
    item.previous = null;
    item.next = null;
    this.length--;
  }
}
