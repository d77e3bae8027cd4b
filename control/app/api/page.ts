// One page of a list.

export interface Page<T> {
  items: T[];
  total: number;
  page: number;
  perPage: number;
}

export type Order = 'asc' | 'desc';

export interface Paging {
  page: number;
  perPage: number;
}
