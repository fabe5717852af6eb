export interface Invoice {
  id: string;
  customer: string;
  amount: number;
}

/** What the demo tools change: invoices, by the user who wrote them. */
export interface DemoLedger {
  create(user: string, customer: string, amount: number): Invoice;
  list(user: string): Invoice[];
  /** False where the user has no such invoice. */
  remove(user: string, id: string): boolean;
}

export function createDemoLedger(): DemoLedger {
  const invoices = new Map<string, Invoice & { user: string }>();
  let lastNumber = 0;
  return {
    create(user, customer, amount) {
      lastNumber += 1;
      const invoice = { id: `INV-${lastNumber}`, customer, amount };
      invoices.set(invoice.id, { ...invoice, user });
      return invoice;
    },
    list: (user) =>
      [...invoices.values()]
        .filter((invoice) => invoice.user === user)
        .map(({ id, customer, amount }) => ({ id, customer, amount })),
    remove: (user, id) => invoices.get(id)?.user === user && invoices.delete(id),
  };
}
