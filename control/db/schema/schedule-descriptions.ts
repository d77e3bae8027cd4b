// What a schedule is for, in words.
export const SCHEDULE_DESCRIPTIONS = `
ALTER TABLE schedules ADD COLUMN description TEXT;
`;
